/** Where the BPF objects are: beside dist/, in a checkout as in an installation. */
import { fileURLToPath } from 'node:url';

export const objectPath = fileURLToPath(new URL('../../../build/xdp/headrace.bpf.o', import.meta.url));

/** That of the programs which carry health checks. */
export const probeObjectPath = fileURLToPath(new URL('../../../build/xdp/probe.bpf.o', import.meta.url));

/** That of the programs which count what is lost after the verdict. */
export const lossesObjectPath = fileURLToPath(new URL('../../../build/xdp/losses.bpf.o', import.meta.url));

/** That of the program which tries whether a driver takes redirected frames. */
export const egressProbePath = fileURLToPath(new URL('../../../build/xdp/egress-probe.bpf.o', import.meta.url));
