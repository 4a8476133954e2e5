/** Where the packet path's object is: beside dist/, in a checkout as in an installation. */
import { fileURLToPath } from 'node:url';

export const objectPath = fileURLToPath(new URL('../../../build/xdp/headrace.bpf.o', import.meta.url));
