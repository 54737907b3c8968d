export { type CacheOptions, type CachePlugin, CacheTotals, createCachePlugin } from './cache.ts';
