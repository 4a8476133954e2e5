/** Announcing VIPs to BIRD and FRR through a table of the kernel. */
export {
  type AnnouncedAs,
  type AnnounceEvent,
  Announcer,
  type AnnounceSettings,
  type ChangeReason,
  changeReasons,
  type VipReport,
} from './announcer.ts';
export { type Metrics, type Order, planRoutes, type RouteOperation, type VipRoute, type Wish } from './plan.ts';
export { protocolOwner } from './table.ts';
export { Verifier } from './verifier.ts';
export { type Verification, type VerifySettings, type VipVerification, verifyAnnouncements } from './verify.ts';
export { type Drain, type Wished, wishFor } from './wish.ts';
