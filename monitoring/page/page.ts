/** The live page: one connection, and views that each show their part of what it tells. */
import type { Snapshot } from '../live/snapshot.ts';
import { Connection, type Hello } from './connection.ts';
import { find } from './dom.ts';
import { Charts } from './views/charts.ts';
import { Events } from './views/events.ts';
import { Facts } from './views/facts.ts';
import { Figures } from './views/figures.ts';
import { Header } from './views/header.ts';
import { Picture } from './views/picture.ts';
import { PictureTable } from './views/picture-table.ts';
import { Reasons } from './views/reasons.ts';
import { Services } from './views/services.ts';
import { Sessions } from './views/sessions.ts';
import { Troubles } from './views/troubles.ts';

const header = new Header();
const charts = new Charts();
const events = new Events();
const views = [
  header,
  new Troubles(),
  new Figures(),
  new Picture(),
  new PictureTable(),
  new Services(),
  new Reasons(),
  new Facts(),
  new Sessions(),
] as const;

let shown = false;

function show(snapshot: Snapshot): void {
  for (const view of views) view.show(snapshot);
  if (shown) return;
  shown = true;
  document.body.classList.add('ready');
  // How long that took is in the browser's own timeline, from the navigation on.
  performance.mark('shown');
}

function start({ snapshot, history, events: happened }: Hello): void {
  charts.replace(history);
  events.replace(happened);
  show(snapshot);
}

// What the page came with, so that there is something to see while the stream is being opened.
const first = find('#first').textContent;
if (first) start(JSON.parse(first) as Hello);
new Connection({
  hello: start,
  changed: (snapshot) => {
    charts.show(snapshot);
    show(snapshot);
  },
  happened: (event) => events.add(event),
  lost: () => header.lost(),
}).open();
