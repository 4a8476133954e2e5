/** Everything that leaves one box, sorted by the packet it belongs to. */
import { type Box, ports } from './boxes.ts';
import type { Departure } from './compare.ts';
import { isNoise } from './frame.ts';
import { tagOf } from './tag.ts';
import { Wire } from './wire.ts';

/** Stands for frames in which no packet's number is found. */
export const untagged = -1;

export class Capture implements Disposable {
  readonly departures = new Map<number, Departure[]>();
  readonly #wires: readonly Wire[];

  constructor(box: Box) {
    this.#wires = ports.map((_, i) => new Wire(box.stub, `f${i}`));
  }

  /** Sends a frame to the box's port of that number. */
  send(port: number, frame: Uint8Array): void {
    this.#wires[port]!.send(frame);
  }

  /** Takes what has come. @returns number of frames. */
  collect(): number {
    let count = 0;
    this.#wires.forEach((wire, port) => {
      for (const frame of wire.drain()) {
        const tag = tagOf(frame);
        if (tag === undefined && isNoise(frame)) continue;
        count++;
        const id = tag ?? untagged;
        const known = this.departures.get(id);
        if (known) known.push({ port, frame });
        else this.departures.set(id, [{ port, frame }]);
      }
    });
    return count;
  }

  of(id: number): readonly Departure[] {
    return this.departures.get(id) ?? [];
  }

  [Symbol.dispose](): void {
    for (const wire of this.#wires) wire[Symbol.dispose]();
  }
}
