import { appendFileSync } from 'node:fs'
import { connectLedger, openLedger } from '../../src/ledger/client.ts'
import { failure, files, folder, fresh, holder, listing, results, start } from './rig.ts'

/** Lists and carries out as fast as it can until it is killed; says what it was answered. */
const [file, answered] = process.argv.slice(2)
const { port } = await openLedger(file!)
console.log('open')
const ledger = connectLedger(port(), file!)
if (answered === undefined) setInterval(() => undefined, 1_000)
else {
  await ledger.begin(start())
  await Promise.all([list(), write('w/0', answered), write('w/1', answered)])
}

async function list(): Promise<void> {
  for (;;) {
    const claim = await ledger.claimContainers(holder('list/0'), 4)
    if (claim.state !== 'claimed') continue
    for (const container of claim.claim) {
      if (container.resumed) {
        // Its rows are there; only what comes after them is new.
        const rows = await ledger.tracked(container.item, 0)
        const rest = [...files(30), ...['a', 'b', 'c', 'd'].map(folder)].slice(rows.length)
        await ledger.enumerated(listing(container, { fresh: fresh(rest) }))
        continue
      }
      await ledger.enumerated(listing(container, { last: false, fresh: fresh(files(30)) }))
      await ledger.enumerated(listing(container, { fresh: fresh(['a', 'b', 'c', 'd'].map(folder)) }))
    }
  }
}

async function write(name: string, answers: string): Promise<void> {
  for (;;) {
    const claim = await ledger.claimBatch(holder(name), { items: 20, bytes: 1n << 30n })
    if (claim.state !== 'claimed') continue
    const { items } = claim.claim
    const failed = items.filter(({ item }) => item % 13 === 0).map(({ item }) => failure(item, { retryAfterMs: 5 }))
    await ledger.finished(results(claim.claim, { failed }))
    const bad = new Set(failed.map(({ item }) => item))
    const done = items.filter(({ item }) => !bad.has(item))
    appendFileSync(answers, done.map(({ item }) => `${item}\n`).join(''))
  }
}
