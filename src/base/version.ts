import { readFileSync } from 'node:fs';

/** From package.json, the one place where the version stands. */
export const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

/** The Kubernetes minor release whose API behaviour this one follows. */
export const kubernetesVersion = { major: '1', minor: '36', gitVersion: `v1.36.0+signalbox.${version}` } as const;
