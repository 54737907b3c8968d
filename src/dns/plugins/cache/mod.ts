export { type CacheCounters, type CacheOptions, type CachePlugin, createCachePlugin } from './cache.ts';
