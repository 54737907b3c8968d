export { ClusterZone, type Found, type PodRecords } from './cluster-zone.ts';
export type { RecordSet, ZoneName } from './zone-name.ts';
