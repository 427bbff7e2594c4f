import { FakeRegion } from '../../test/gateway/fake-region.ts';

// A region without recognition, as a process of its own: what is measured is the gateway. Told what to do over the channel.

const [name = 'west', model = ''] = process.argv.slice(2);
const region = await FakeRegion.start(name, { models: [model], finishMilliseconds: 5 });
process.on('message', (message) => {
  void (async () => {
    if (message === 'kill') await region.kill();
    if (message === 'revive') await region.revive();
    process.send?.({ done: message, accepted: region.customAnalyses });
  })();
});
process.on('disconnect', () => process.exit());
process.send?.({ endpoint: region.endpoint, keys: region.keys });
