/** The Prometheus text format (version 0.0.4), one line at a time. */
import type { MetricDefinition } from './catalogue/index.ts';
import type { Sample } from './counter-samples.ts';

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** What comes before a metric's samples. */
export function headOf({ name, help, type }: Pick<MetricDefinition, 'name' | 'help' | 'type'>): string {
  return `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
}

export function lineOf(name: string, { labels, value, suffix }: Sample): string {
  const text = openLabels(labels);
  return `${suffix === undefined ? name : name + suffix}${text === '' ? '' : `${text}}`} ${numberOf(value)}\n`;
}

/** Labels as they are written, but for the brace that ends them; empty where there are none. */
export function openLabels(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const key in labels) text += `${text === '' ? '{' : ','}${key}="${escaped(labels[key]!)}"`;
  return text;
}

export function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** As bytes. Names are ASCII nearly always, and Node writes that as it lies there, but UTF-8 letter by letter. */
export function encoded(text: string): Buffer {
  return Buffer.from(text, /[\u0080-\uffff]/.test(text) ? 'utf8' : 'latin1');
}

function escaped(text: string): string {
  return /["\\\n]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text;
}
