/**
 * Reads the tables of the old iptables through socket options, as iptables-legacy does.
 *
 * Asking for a table makes it, so only those that /proc/net/ip_tables_names lists are asked for. That file may be read
 * by root only: where it is there and cannot be read, the kernel's own five are asked for, which at worst makes empty
 * ones. Nobody tells of changes: whoever follows asks again. Needs CAP_NET_ADMIN.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as libc from '../../bpf/libc.ts';
import { AF_INET, AF_INET6, SOCK_CLOEXEC } from '../../netlink/constants.ts';
import type { Finding } from '../finding.ts';
import { findingsOfTable, INFO_SIZE, readInfo, type TableInfo } from './table.ts';

const SOCK_DGRAM = 2;
const families = {
  4: { domain: AF_INET, level: 0, names: '/proc/self/net/ip_tables_names', command: 'iptables' },
  6: { domain: AF_INET6, level: 41, names: '/proc/self/net/ip6_tables_names', command: 'ip6tables' },
} as const;
const GET_INFO = 64;
const GET_ENTRIES = 65;
/** struct ipt_get_entries: name, size, padding; entries follow. */
const ENTRIES_HEADER = 40;
const usual = ['filter', 'nat', 'mangle', 'raw', 'security'] as const;

/** @throws Error when a table that is there cannot be read. */
export function iptablesFindings(): Finding[] {
  return [...familyFindings(4), ...familyFindings(6)];
}

function familyFindings(family: 4 | 6): Finding[] {
  const names = tableNames(families[family].names);
  if (names.length === 0) return [];
  const { domain, command } = families[family];
  const fd = libc.socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`open a socket to read ${command}: ${libc.describeErrno(libc.errno())}`);
  try {
    return names.flatMap((name) => {
      const info = tableInfo(fd, family, name);
      return info ? findingsOfTable(family, info, tableEntries(fd, family, info)) : [];
    });
  } finally {
    libc.close(fd);
  }
}

/** Files that may not be read: an exception every second costs more than all the rest of a look. */
const forbidden = new Set<string>();

function tableNames(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  if (forbidden.has(file)) return usual;
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    forbidden.add(file);
    return usual;
  }
}

function tableInfo(fd: number, family: 4 | 6, name: string): TableInfo | undefined {
  const bytes = Buffer.alloc(INFO_SIZE);
  bytes.write(name.slice(0, 31));
  if (libc.getsockopt(fd, families[family].level, GET_INFO, bytes) >= 0) return readInfo(bytes);
  const code = libc.errno();
  if (libc.errnoName(code) === 'ENOENT') return undefined;
  throw new Error(`read ${families[family].command} table ${name}: ${libc.describeErrno(code)}`);
}

function tableEntries(fd: number, family: 4 | 6, info: TableInfo): Uint8Array {
  const bytes = Buffer.alloc(ENTRIES_HEADER + info.size);
  bytes.write(info.name);
  bytes.writeUInt32LE(info.size, 32);
  if (libc.getsockopt(fd, families[family].level, GET_ENTRIES, bytes) < 0)
    throw new Error(`read ${families[family].command} table ${info.name}: ${libc.describeErrno(libc.errno())}`);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + ENTRIES_HEADER, info.size);
}
