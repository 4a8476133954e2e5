import { describe, expect, it } from 'vitest';
import { notesOf } from '../../../appliance/daemon/notes.ts';

describe('notes', () => {
  it('has none for a box that forwards natively', () => {
    expect(notesOf([{ name: 'p0', mode: 'native' }], true)).toEqual([]);
  });

  it('says that the kernel does not forward, and how it would', () => {
    expect(notesOf([], false)).toEqual([expect.stringContaining('sysctl -w net.ipv4.ip_forward=1')]);
  });

  it('names each interface in generic mode', () => {
    const notes = notesOf(
      [
        { name: 'p0', mode: 'native' },
        { name: 'p1', mode: 'generic' },
      ],
      true,
    );
    expect(notes).toEqual([expect.stringMatching(/^p1 .*GENERIC/)]);
  });
});
