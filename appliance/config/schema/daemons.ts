/** `daemons`: where routing daemons are asked for their sessions. */
import { z } from 'zod';

const socket = z.string().regex(/^\//, 'not an absolute path');

export const daemonsSchema = z.strictObject({
  bird: socket.default('/run/bird/bird.ctl').describe("BIRD's control socket. One that is not there is no mistake."),
  bgpd: socket
    .default('/run/frr/bgpd.vty')
    .describe("The vty socket of FRR's bgpd. One that is not there is no mistake."),
});
