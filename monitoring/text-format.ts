/** The Prometheus text format (version 0.0.4), one line at a time. */
import type { MetricDefinition } from './catalogue/index.ts';
import type { Sample } from './counter-samples.ts';

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Labels that are written once and used at every scrape. */
export class Labels {
  readonly text: string;

  constructor(labels: Readonly<Record<string, string>>) {
    this.text = textOf(labels);
  }
}

/** What comes before a metric's samples. */
export function headOf({ name, help, type }: Pick<MetricDefinition, 'name' | 'help' | 'type'>): string {
  return `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
}

export function lineOf(name: string, { labels, value, suffix }: Sample): string {
  const text = labels instanceof Labels ? labels.text : textOf(labels);
  return `${suffix === undefined ? name : name + suffix}${text} ${numberOf(value)}\n`;
}

function textOf(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const key in labels) text += `${text === '' ? '{' : ','}${key}="${escaped(labels[key]!)}"`;
  return text === '' ? '' : `${text}}`;
}

function escaped(text: string): string {
  return /["\\\n]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text;
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
