import { BlockList, isIPv4, isIPv6 } from 'node:net';

// IANA's registries of special-purpose addresses (RFC 6890 and its successors), and what was never given out. `BlockList` checks
// an IPv4-mapped IPv6 address (::ffff:127.0.0.1) against the rules for IPv4.

const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network; 0.0.0.0 itself reaches loopback
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, the metadata services of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/** Of IPv6 only this is given out; loopback, unique local, link-local, NAT64 and IPv4-compatible addresses lie outside it. */
const GLOBAL_IPV6 = '2000::/3';

/** Inside {@link GLOBAL_IPV6}. Those that embed an IPv4 address (Teredo in 2001::/23, 6to4) could lead to a private one. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const special = blockList([...SPECIAL_IPV4, ...SPECIAL_IPV6]);
const globalIpv6 = blockList([GLOBAL_IPV6]);
const mappedIpv4 = blockList(['::ffff:0:0/96']);

/** Whether an address in text is one of the public internet. False for what is no address. */
export function isPublicAddress(text: string): boolean {
  if (isIPv4(text)) return !special.check(text, 'ipv4');
  // A zone (`fe80::1%eth0`) makes it link-local.
  if (!isIPv6(text) || text.includes('%')) return false;
  return (globalIpv6.check(text, 'ipv6') || mappedIpv4.check(text, 'ipv6')) && !special.check(text, 'ipv6');
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/');
    list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return list;
}
