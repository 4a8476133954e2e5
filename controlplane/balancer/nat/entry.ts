/**
 * Entries of the tables of connections as they lie in memory, read without making objects of them: there may be a
 * million. Offsets are those of struct nat_key and struct nat_flow; a test compares them with the bindings.
 */
import { natDirection, natFlowCodec, natKeyCodec, natStateNames } from '../../bpf/generated/headrace.ts';

export const KEY_SIZE = natKeyCodec.size;
export const VALUE_SIZE = natFlowCodec.size;

/** Within a key and a value. */
export const at = {
  key: { source: 0, destination: 16, sourcePort: 32, destinationPort: 34, protocol: 36, direction: 37 },
  value: {
    seen: 0,
    service: 12,
    source: 16,
    destination: 32,
    sourcePort: 48,
    destinationPort: 50,
    backend: 52,
    state: 54,
  },
} as const;

export const FORWARD = natDirection.FORWARD;
export const REPLY = natDirection.REPLY;
export const stateNames: readonly string[] = natStateNames;

/** The key under which the entry of the other direction stands, from one entry's bytes. */
export function peerKey(key: Uint8Array, value: Uint8Array): Buffer {
  const peer = Buffer.alloc(KEY_SIZE);
  peer.set(value.subarray(at.value.destination, at.value.destination + 16), at.key.source);
  peer.set(value.subarray(at.value.source, at.value.source + 16), at.key.destination);
  peer.set(value.subarray(at.value.destinationPort, at.value.destinationPort + 2), at.key.sourcePort);
  peer.set(value.subarray(at.value.sourcePort, at.value.sourcePort + 2), at.key.destinationPort);
  peer[at.key.protocol] = key[at.key.protocol]!;
  peer[at.key.direction] = key[at.key.direction] === FORWARD ? REPLY : FORWARD;
  return peer;
}
