/**
 * The routing worker's thread: the engine, and the messages it exchanges with the main thread. Its socket and its
 * tables are its own; nothing but this is shared.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { MirrorEngine } from './engine.ts';
import type { FromWorker, ToWorker, WorkerData } from './messages.ts';

const REPORT_MS = 1000;

const port = parentPort;
if (!port) throw new Error('start routing worker: it runs in a thread of the daemon');
const say = (message: FromWorker): void => port.postMessage(message);
const { folder } = workerData as WorkerData;
const engine = new MirrorEngine({
  folder,
  log: (level, message, fields) => say({ kind: 'log', level, message, fields }),
});
const report = setInterval(() => say({ kind: 'state', state: engine.state() }), REPORT_MS);

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'ask':
      say({ kind: 'answer', id: message.id, answer: engine.answer(message.address) });
      break;
    case 'resync':
      engine.resync('request');
      break;
    case 'stop':
      clearInterval(report);
      engine.close();
      port.close();
      break;
  }
});
engine.start();
