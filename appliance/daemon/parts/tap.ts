/** What looks at packets themselves: captures on request, samples for sFlow collectors. */
import { Tap } from '../../../controlplane/tap/index.ts';
import type { Config } from '../../config/schema/index.ts';
import type { Part, PartContext, PartDefinition } from '../part.ts';
import { CaptureSession } from './capture-session.ts';
import { type SflowCounts, SflowExporter } from './sflow-exporter.ts';

class TapPart implements Part {
  readonly name = 'tap';
  readonly #context: PartContext;
  readonly #tap: Tap;
  readonly #session: CaptureSession;
  readonly #sflowCounts: SflowCounts = { samples: 0, datagrams: 0, errors: 0 };
  #sflow: SflowExporter | undefined;

  constructor(context: PartContext) {
    this.#context = context;
    this.#tap = new Tap(context.plane);
    this.#session = new CaptureSession(this.#tap, () => context.ports.links, context.events);
  }

  apply({ sflow }: Config): void {
    // A reload put in a program without the tap: who captures is told that it is over.
    if (!this.#context.plane.maps.tapFilter) this.#session.end('by a reload');
    if (JSON.stringify(sflow) === JSON.stringify(this.#sflow?.config)) return;
    this.#sflow?.close();
    this.#sflow = undefined;
    if (!sflow) return;
    const { paths, ports } = this.#context;
    const forwarding = () => ports.links.filter((link) => ports.states.some((port) => port.ifindex === link.index));
    this.#sflow = new SflowExporter(sflow, this.#tap, paths, forwarding, this.#sflowCounts);
  }

  tick(): void {
    this.#session.tick();
    this.#sflow?.tick();
  }

  status(): unknown {
    return {
      capturing: this.#session.active,
      sflow: this.#sflow ? { ...this.#sflow.config, ...this.#sflowCounts } : null,
    };
  }

  routes(): ReturnType<NonNullable<Part['routes']>> {
    return {
      'POST /capture/start': (request) => this.#session.start(request),
      'POST /capture/keep': (request) => this.#session.keep(request),
      'POST /capture/stop': (request) => this.#session.stop(request),
    };
  }

  metrics(): ReturnType<NonNullable<Part['metrics']>> {
    const one = (value: () => number) => () => [{ labels: {}, value: value() }];
    return {
      sflowSamples: one(() => this.#sflowCounts.samples),
      sflowDatagrams: one(() => this.#sflowCounts.datagrams),
      sflowErrors: one(() => this.#sflowCounts.errors),
      sflowLost: one(() => Number(this.#tap.counts()?.sampleMissed ?? 0n)),
      captureActive: one(() => (this.#session.active ? 1 : 0)),
    };
  }

  /** The packet path goes back to not being watched: nobody would read what it shows. */
  close(): void {
    this.#session.end('with the daemon');
    this.#sflow?.close();
  }
}

export const tapPart: PartDefinition = {
  // A daemon that adopts a sampling packet path goes on sampling without a gap.
  features: ({ sflow }) => ({ feature_tap: sflow !== undefined, feature_capture: false }),
  create: (context) => new TapPart(context),
};
