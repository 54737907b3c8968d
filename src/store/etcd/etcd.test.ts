import { after, before, suite } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { Store } from '../mod.ts';
import { storeSuite } from '../suite.ts';
import { EtcdCluster, withoutEtcd } from '../testing/etcd-cluster.ts';
import { create, remove } from '../testing/operations.ts';
import { rebased } from '../testing/rebased.ts';
import { openEtcdStore } from './etcd.ts';

suite('on etcd', { skip: withoutEtcd }, () => {
  let cluster: EtcdCluster;
  let count = 0;
  before(async () => {
    cluster = await EtcdCluster.start();
  });
  after(() => cluster.stop());
  const open = async (): Promise<Store> => {
    const prefix = `/signalbox-${++count}`;
    const store = await openEtcdStore({ endpoints: cluster.endpoints, prefix, clock: systemClock, log: silentLogger });
    // Its first revision is where this prefix begins in an etcd that has been written before.
    const { revision } = await store.commit([create('/begun')]);
    await store.compact((await store.commit([remove('/begun', revision)])).revision);
    return rebased(store);
  };
  storeSuite('etcd store', open, { ordersAll: false });
});
