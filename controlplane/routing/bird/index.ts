/** BIRD: its configuration as data and advice, and its control socket. */
export { type AdviceContext, adviseBird } from './advice.ts';
export type { Channel, Policy } from './channel.ts';
export { BirdClient, type RouteQuery } from './client.ts';
export { type BirdConfig, type BirdProtocol, type BirdTable, readBirdConfig } from './config.ts';
export { type Diagnostic, diagnosticPosition, renderDiagnostic, type Severity } from './diagnostic.ts';
export type { ConfigFiles } from './files.ts';
export { type LexResult, lex } from './lexer.ts';
export { compareVersions, lintBird } from './lints.ts';
export { nodeFiles } from './node-files.ts';
export { type ParsedFile, parse } from './parser.ts';
export {
  type BfdTimers,
  type BgpOptions,
  type KernelOptions,
  type OspfArea,
  readBfd,
  readBgp,
  readDirect,
  readKernel,
  readOspf,
  readPipe,
  readStatic,
  type StaticRoute,
} from './protocols.ts';
export type { ChannelStatus, ProtocolStatus } from './show-protocols.ts';
export type { BirdRoute } from './show-route.ts';
export { type Position, positionOf, type Span } from './source.ts';
export type { Token, TokenKind } from './token.ts';
export { type Block, isBlock, type Statement } from './tree.ts';
