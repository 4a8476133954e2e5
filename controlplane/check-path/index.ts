/** Health checks that take the way of clients' packets. */
export { CheckPath, type CheckPathOptions, type ServiceWay } from './check-path.ts';
export { removeCheckDevice } from './device.ts';
export { carriesChecks } from './device-name.ts';
export { canCarryChecks } from './kernel.ts';
