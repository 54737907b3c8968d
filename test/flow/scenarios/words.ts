/** What many scenarios say of their Service or its endpoints. */
export const nodePort = { type: 'NodePort' } as const;
export const localOutside = { externalTrafficPolicy: 'Local' } as const;
export const ready = { ready: true, serving: true, terminating: false };
export const notReady = { ready: false, serving: false, terminating: false };
export const terminating = { ready: false, serving: true, terminating: true };
export const gone = { ready: false, serving: false, terminating: true };
