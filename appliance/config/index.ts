/** The configuration file: its shape, how it is read, and what is said when it is wrong. */
export { loadConfig, parseConfig } from './load.ts';
export { bypassesNetfilter } from './netfilter.ts';
export { ConfigError, type Problem } from './problem.ts';
export { configReference } from './reference.ts';
export { type Config, configJsonSchema } from './schema/index.ts';
