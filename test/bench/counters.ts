/**
 * What counting costs: the same packet by the program as it is, and by one without its counters, taking turns. From
 * minima: a noisy moment only ever adds.
 */
import { measurePacketCost } from './packet-cost.ts';
import { RouterLab } from './router-lab.ts';

interface CountersOptions {
  readonly json: boolean;
  readonly rounds: number;
}

export function benchCounters({ json, rounds }: CountersOptions): void {
  using lab = new RouterLab();
  lab.setRoutes(1);
  const rows = measurePacketCost(lab, 'hot', rounds, 200_000);
  const nsOf = (name: string) => rows.find((row) => row.name === name)!.ns;
  const counted = nsOf('Headrace');
  const uncounted = nsOf('Headrace without counters');
  const harness = nsOf('drop (harness and arrival)').min;
  const ratio = counted.min / uncounted.min;
  const net = (counted.min - harness) / (uncounted.min - harness);
  if (json) {
    console.log(JSON.stringify({ counted, uncounted, harness, ratio, net }, undefined, 2));
    return;
  }
  console.log('CPU ns a routed packet         min  median');
  for (const [name, { min, median }] of [
    ['with counters', counted],
    ['without', uncounted],
  ] as const)
    console.log(`${name.padEnd(28)} ${min.toFixed(0).padStart(5)}  ${median.toFixed(0).padStart(6)}`);
  console.log(`ratio ${ratio.toFixed(3)}; without the harness's ${harness.toFixed(0)} ns ${net.toFixed(3)}`);
}
