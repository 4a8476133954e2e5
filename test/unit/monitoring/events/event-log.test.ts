import { describe, expect, it } from 'vitest';
import { EventLog, type EventRecord, WINDOW_MS } from '../../../../monitoring/events/index.ts';

function started(): { log: EventLog; seen: EventRecord[]; pass: (milliseconds: number) => void } {
  let now = 1_000_000;
  const log = new EventLog({ now: () => now });
  const seen: EventRecord[] = [];
  log.follow((record) => void seen.push(record));
  return {
    log,
    seen,
    pass: (milliseconds) => {
      now += milliseconds;
    },
  };
}

describe('EventLog', () => {
  it('emit() passes an event on, with its sentence', () => {
    const { log, seen } = started();
    log.emit('daemon_stopping', { signal: 'SIGTERM' });
    expect(seen).toEqual([
      {
        id: 1,
        at: 1_000_000,
        name: 'daemon_stopping',
        level: 'info',
        text: 'SIGTERM: the daemon stops, packets go on being forwarded',
        fields: { signal: 'SIGTERM' },
      },
    ]);
    expect(log.recent()).toEqual(seen);
  });

  it('emit() passes twenty of a name in ten seconds, and tells how many more there were', () => {
    const { log, seen, pass } = started();
    for (let i = 0; i < 53; i++) log.emit('note_made', { note: `note ${i}` });
    log.emit('config_reloaded', {});
    expect(seen.map(({ name }) => name)).toEqual([...Array(20).fill('note_made'), 'config_reloaded']);
    pass(WINDOW_MS - 1);
    log.settle();
    expect(seen).toHaveLength(21);
    pass(1);
    log.settle();
    expect(seen.at(-1)).toMatchObject({ name: 'events_suppressed', fields: { name: 'note_made', count: 33 } });
    log.emit('note_made', { note: 'again' });
    expect(seen.at(-1)?.text).toBe('again');
  });

  it('tells of suppressed events at their own level, and at the end of those whose time is not over', () => {
    const { log, seen } = started();
    for (let i = 0; i < 203; i++) log.emit('port_changed', { cause: 'event', operation: 'attach', ifindex: i });
    for (let i = 0; i < 22; i++) log.emit('reload_refused', { reason: 'wrong' });
    log.settle();
    expect(seen.filter(({ name }) => name === 'events_suppressed')).toEqual([]);
    log.close();
    log.close();
    expect(seen.slice(-2)).toMatchObject([
      { name: 'events_suppressed', level: 'debug', fields: { name: 'port_changed', count: 3 } },
      { name: 'events_suppressed', level: 'error', fields: { name: 'reload_refused', count: 2 } },
    ]);
    expect(seen).toHaveLength(200 + 20 + 2);
  });

  it('settle() tells nothing where nothing was suppressed', () => {
    const { log, seen, pass } = started();
    log.emit('config_reloaded', {});
    pass(WINDOW_MS);
    log.settle();
    expect(seen).toHaveLength(1);
  });

  it('recent() keeps the last ones only', () => {
    const log = new EventLog({ kept: 3 });
    for (let i = 0; i < 5; i++) log.emit('note_made', { note: String(i) });
    expect(log.recent().map(({ text }) => text)).toEqual(['2', '3', '4']);
  });

  it('follow() ends when asked to', () => {
    const log = new EventLog();
    let count = 0;
    const end = log.follow(() => count++);
    log.emit('config_reloaded', {});
    end();
    log.emit('config_reloaded', {});
    expect(count).toBe(1);
  });
});
