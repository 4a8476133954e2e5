/** The box itself: what the daemon costs, and what it runs on. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box } from './board.ts';
import { metric as m } from './names.ts';
import { series, table } from './panels.ts';

export function machine(): Dashboard {
  return board({
    uid: 'headrace-machine',
    title: 'Headrace / The box itself',
    description: 'What the daemon costs, and what it runs on. Packets are forwarded whether it runs or not.',
  })
    .withRow(new RowBuilder('Daemon'))
    .withPanel(
      series(
        { title: 'CPU', description: 'Cores that the daemon uses. The packet path is not in it.', unit: 'short' },
        [{ expr: `rate(headrace_process_cpu_seconds_total{${box}}[$__rate_interval])`, legend: '{{instance}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Memory',
          description: 'Resident memory of the daemon, the tables of the FIB mirror that it maps included.',
          unit: 'bytes',
        },
        [{ expr: `headrace_process_resident_memory_bytes{${box}}`, legend: '{{instance}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Event-loop delay, 99 %',
          description: 'How long what the daemon has to do waits. Above 50 ms something holds it up.',
          unit: 's',
        },
        [{ expr: `headrace_nodejs_eventloop_lag_p99_seconds{${box}}`, legend: '{{instance}}' }],
      ),
    )
    .withPanel(
      series({ title: 'Open files', description: 'File descriptors of the daemon.', unit: 'short' }, [
        { expr: `headrace_process_open_fds{${box}}`, legend: '{{instance}}' },
      ]),
    )
    .withRow(new RowBuilder('Programs and maps'))
    .withPanel(
      series(
        {
          title: 'Cost of a packet',
          description: 'Mean time in the program, where the sysctl kernel.bpf_stats_enabled is on.',
          unit: 's',
        },
        [
          {
            expr: `rate(${m.programSeconds}{${box}}[$__rate_interval]) / rate(${m.programRuns}{${box}}[$__rate_interval]) or ${m.programSeconds}{${box}}`,
            legend: '{{program}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        { title: 'Fill of maps', description: 'Entries of what fits.', unit: 'percentunit' },
        [{ expr: `${m.mapEntries}{${box}} / ${m.mapMaxEntries}{${box}}`, legend: '{{map}}' }],
        { most: 1 },
      ),
    )
    .withRow(new RowBuilder('Samples and captures'))
    .withPanel(
      series(
        {
          title: 'sFlow',
          description: 'Samples and datagrams a second, and what was lost or could not be sent.',
          unit: 'cps',
        },
        [
          { expr: `sum(rate(${m.sflowSamples}{${box}}[$__rate_interval]))`, legend: 'samples' },
          { expr: `sum(rate(${m.sflowDatagrams}{${box}}[$__rate_interval]))`, legend: 'datagrams' },
          { expr: `sum(rate(${m.sflowLost}{${box}}[$__rate_interval]))`, legend: 'samples lost' },
          { expr: `sum(rate(${m.sflowErrors}{${box}}[$__rate_interval]))`, legend: 'not sent' },
        ],
      ),
    )
    .withPanel(
      series(
        { title: 'Captures', description: '1 while a capture runs: packets cost more then.', unit: 'short' },
        [{ expr: `max by (instance) (${m.captureActive}{${box}})`, legend: '{{instance}}' }],
        { most: 1 },
      ),
    )
    .withRow(new RowBuilder('State'))
    .withPanel(
      series({ title: 'Problems and notes', description: 'As `headrace status` lists them there.', unit: 'short' }, [
        { expr: `sum by (instance) (${m.problems}{${box}})`, legend: '{{instance}} problems' },
        { expr: `sum by (instance) (${m.notes}{${box}})`, legend: '{{instance}} notes' },
      ]),
    )
    .withPanel(
      series(
        {
          title: 'Metrics that failed',
          description: 'Times in an hour that a metric could not be collected and was left out.',
          unit: 'short',
        },
        [
          {
            expr: `sum by (instance, metric) (increase(${m.collectorErrors}{${box}}[1h])) > 0`,
            legend: '{{instance}} {{metric}}',
          },
        ],
      ),
    )
    .withRow(new RowBuilder('Configuration'))
    .withPanel(
      series({ title: 'Reloads', description: 'By result, in the last hour.', unit: 'short' }, [
        { expr: `sum by (result) (increase(${m.reloads}{${box}}[1h]))`, legend: '{{result}}' },
      ]),
    )
    .withPanel(
      series(
        {
          title: 'Age of the configuration',
          description: 'Time since the configuration in force was read.',
          unit: 's',
        },
        [{ expr: `time() - ${m.lastReloadSuccess}{${box}}`, legend: '{{instance}}' }],
      ),
    )
    .withPanel(
      table(
        { title: 'Versions', description: 'What runs.', unit: 'short', width: 24, height: 6 },
        { expr: `${m.buildInfo}{${box}}`, legend: '' },
        ['Value'],
      ),
    )
    .build();
}
