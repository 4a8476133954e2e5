import { describe, expect, it } from 'vitest';
import { EventHub } from '../../../../appliance/web/event-hub.ts';
import type { History, Snapshot } from '../../../../monitoring/live/index.ts';

function hub(options: ConstructorParameters<typeof EventHub>[1] = {}): { hub: EventHub; change: () => void } {
  let at = 0;
  const sources = {
    snapshot: () => ({ at, problems: [] }) as unknown as Snapshot,
    history: () => ({ at: [] }) as unknown as History,
    events: () => [],
  };
  return { hub: new EventHub(sources, options), change: () => void at++ };
}

const decoder = new TextDecoder();
async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return decoder.decode(value);
}

describe('EventHub', () => {
  it('tells all there is, then differences', async () => {
    const { hub: made, change } = hub();
    const reader = made.listen().getReader();
    expect(await read(reader)).toContain('event: hello\ndata: {"snapshot":{"at":0,"problems":[]}');
    change();
    made.advance();
    expect(await read(reader)).toBe('event: delta\ndata: {"at":1}\n\n');
  });

  it('begins for everybody where the others are', async () => {
    const { hub: made, change } = hub();
    const first = made.listen().getReader();
    change();
    // The second one comes between two ticks: the next difference must fit what it was told.
    const second = made.listen().getReader();
    expect(await read(second)).toContain('"at":0');
    made.advance();
    await read(first);
    expect(await read(first)).toBe(await read(second));
  });

  it('lets go of one that does not read, and of nobody else', async () => {
    const { hub: made, change } = hub({ backlog: 300 });
    const idle = made.listen().getReader();
    const busy = made.listen().getReader();
    await read(busy);
    for (let i = 0; i < 20; i++) {
      change();
      made.advance();
      await read(busy);
    }
    expect(made.listeners).toBe(1);
    await expect(idle.read()).rejects.toThrow('does not read');
  });

  it('is full at its bound, and forgets who left', async () => {
    const { hub: made } = hub({ listeners: 1 });
    const reader = made.listen().getReader();
    expect(made.full).toBe(true);
    await reader.cancel();
    expect(made.full).toBe(false);
    expect(made.listeners).toBe(0);
  });
});
