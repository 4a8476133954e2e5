/** FRR: its daemons' vty sockets. */
export { FrrClient, frameVtyReply, readBgpSummary, type VtyReply } from './client.ts';
