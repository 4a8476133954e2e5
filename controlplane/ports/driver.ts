/**
 * An interface's driver, and what is known of drivers where the kernel does not say what an interface can do: before
 * Linux 6.3 there is no netdev family to ask.
 */
import { close, ioctl, socket } from '../bpf/libc.ts';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 3;
/** struct ethtool_drvinfo (linux/ethtool.h), in bytes; the driver's name is the 32 bytes at offset 4. */
const DRVINFO_SIZE = 196;

/**
 * Drivers of Linux 6.1 that transmit frames redirected to them (ndo_xdp_xmit) whenever the interface has carrier and a
 * program of ours attached. veth is none of them: there it depends on the far end (see VethProbe).
 */
const transmitting: ReadonlySet<string> = new Set([
  'bnxt_en',
  'cpsw',
  'dpaa2-eth',
  'dpaa_eth',
  'ena',
  'enetc',
  'fsl_dpa',
  'fsl_dpaa2_eth',
  'fsl_enetc',
  'hv_netvsc',
  'i40e',
  'ice',
  'igb',
  'igc',
  'ixgbe',
  'mlx5_core',
  'mvneta',
  'mvpp2',
  'netsec',
  'octeontx2-nicpf',
  'qede',
  'rvu_nicpf',
  'sfc',
  'stmmac',
  'virtio_net',
]);

/** The driver's name (ETHTOOL_GDRVINFO), undefined when the interface is gone or has none. */
export function driverOf(name: string): string | undefined {
  const fd = socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return undefined;
  const info = Buffer.alloc(DRVINFO_SIZE);
  info.writeUInt32LE(ETHTOOL_GDRVINFO);
  const failed = ioctl(fd, SIOCETHTOOL, name, info) < 0;
  close(fd);
  const text = info.toString('latin1', 4, 36);
  return failed ? undefined : text.slice(0, text.indexOf('\0'));
}

/** Is a frame of one buffer, redirected to a port of this driver, known to leave? */
export function knownToTransmit(driver: string | undefined): boolean {
  return driver !== undefined && transmitting.has(driver);
}
