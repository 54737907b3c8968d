export { ClusterZone, type Found, type PodRecords, type ZoneOptions } from './cluster-zone.ts';
export type { ZoneName } from './zone-name.ts';
export { splitZones } from './split-zones.ts';
