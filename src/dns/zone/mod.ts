export { ClusterZone, type Found, type PodRecords } from './cluster-zone.ts';
export type { ZoneName } from './zone-name.ts';
