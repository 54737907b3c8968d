export { ClusterZone, type Found, type PodRecords, type ZoneOptions } from './cluster-zone.ts';
export { type PodClaim, PodOwners } from './pod-owners.ts';
export { reverseName } from './reverse.ts';
export { splitZones } from './split-zones.ts';
export { type RecordSets, ZoneName } from './zone-name.ts';
