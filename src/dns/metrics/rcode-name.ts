/** As CoreDNS writes response codes in labels; 16 is BADVERS in an OPT record and BADSIG elsewhere, and it says BADSIG. */
const names: readonly (string | undefined)[] = [
  ...['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH'],
  ...['NOTZONE', 'DSOTYPENI', undefined, undefined, undefined, undefined],
  ...['BADSIG', 'BADKEY', 'BADTIME', 'BADMODE', 'BADNAME', 'BADALG', 'BADTRUNC', 'BADCOOKIE'],
];

export const rcodeName = (rcode: number): string => names[rcode] ?? `RCODE${rcode}`;
