/** `npm run bench -- router [--json] [--full] [--rounds N]`: measures on this machine, and prints a table or JSON. */
import { Command } from 'commander';
import { printAnnounce } from './announce.ts';
import { benchBalancer } from './balancer.ts';
import { benchBalancerPath } from './balancer-path.ts';
import { printChecks } from './checks.ts';
import { benchCounters } from './counters.ts';
import { printFib } from './fib.ts';
import { benchIdle } from './idle.ts';
import { benchMirror } from './mirror.ts';
import { benchRouter } from './router.ts';
import { benchScrape } from './scrape.ts';
import { benchUnit } from './unit.ts';

const program = new Command('bench').description('Measures Headrace on this machine. Needs root.');
program
  .command('router', { isDefault: true })
  .description('forwarding, against the kernel and against a bare bpf_fib_lookup')
  .option('--json', 'print JSON', false)
  .option('--full', 'also with a million routes', false)
  .option('--rounds <number>', 'samples of each', Number, 11)
  .action(benchRouter);
program
  .command('fib')
  .description('route look-ups alone: by tables, by bpf_fib_lookup, and none')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples of each', Number, 7)
  .action(printFib);
program
  .command('mirror')
  .description('the mirror of the routes at full size: load, storms, links, a killed daemon; every answer compared')
  .option('--json', 'print JSON', false)
  .option('--ipv4 <number>', 'IPv4 routes', Number, 1_000_000)
  .option('--ipv6 <number>', 'IPv6 routes', Number, 200_000)
  .option('--probes <number>', 'random lookups compared while nothing changes', Number, 1_000_000)
  .action(benchMirror);
program
  .command('checks')
  .description('thousands of health checks: what they cost, and how long they keep the event loop')
  .option('--json', 'print JSON', false)
  .option('--count <number>', 'checks at a time', Number, 5000)
  .option('--interval <milliseconds>', 'from one to the next of each', Number, 2000)
  .option('--seconds <number>', 'how long to measure each kind', Number, 10)
  .action(printChecks);
program
  .command('balancer')
  .description('a packet of a service, against the least that a balancer must do')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples of each', Number, 9)
  .option('--repeat <number>', 'packets of a sample', Number, 200_000)
  .option('--only <pattern>', 'of the cases beside the floors only those whose name matches')
  .action(benchBalancer);
program
  .command('balancer-path')
  .description('balanced packets and connections end to end, beside nftables and haproxy on the same path')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples of each', Number, 7)
  .action(benchBalancerPath);
program
  .command('unit')
  .description("the program as the systemd units load it, against root's and the daemon's own")
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples of each', Number, 31)
  .action(benchUnit);
program
  .command('announce')
  .description('how long a VIP takes to a BGP neighbor and back, over BIRD and over FRR')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'changes of each kind', Number, 20)
  .action(printAnnounce);
program
  .command('counters')
  .description('what counting and sampling costs a packet, routed and balanced')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples of each', Number, 31)
  .action(benchCounters);
program
  .command('scrape')
  .description(
    'thousands of backends: what a scrape and a look of the live views cost, and how long they keep the event loop',
  )
  .option('--json', 'print JSON', false)
  .option('--services <number>', 'how many', Number, 200)
  .option('--backends <number>', 'of each service', Number, 20)
  .option('--rounds <number>', 'samples of each', Number, 9)
  .action(benchScrape);
program
  .command('idle')
  .description('what the daemon costs a box on which nothing happens')
  .option('--json', 'print JSON', false)
  .option('--rounds <number>', 'samples', Number, 3)
  .option('--seconds <number>', 'of each sample', Number, 40)
  .action(benchIdle);
await program.parseAsync();
