import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { mib, onDisk, writeNoise, type Moves } from './moves.ts'

/**
 * A share goes to a server and leaves where it was, and from there to another share, and leaves the server. The first run of the
 * way back is killed while it removes.
 *
 * @param there an empty place on the server
 * @param left what the server itself still has there
 * @param times as the platform keeps them
 */
export async function movesAway(
  moves: Moves,
  { there, left }: { there: object; left: () => Promise<string[]> | string[] },
  times: { toleranceNs?: bigint } = {},
): Promise<void> {
  const [old, twin, back] = [moves.sideOf('leaves'), moves.sideOf('twin'), moves.sideOf('returns')]
  for (let i = 0; i < 300; i++) {
    disk.mkdirSync(join(old, `folder ${i % 7}`), { recursive: true })
    disk.writeFileSync(join(old, `folder ${i % 7}`, `ä ${i}.txt`), `content of ${i}`)
  }
  writeNoise(join(old, 'large.bin'), 17 * mib)
  disk.cpSync(old, twin, { recursive: true, preserveTimestamps: true })

  await moves.runs('away', moves.jobOf('away', onDisk(old), there, { transfer_type: 'move' }))
  expect(disk.readdirSync(old)).toEqual([])

  const job = moves.jobOf('home again', there, onDisk(back), { transfer_type: 'move' })
  const first = moves.start('back', job)
  const all = (await left()).length
  for (let now = all; now === all && first.alive(); now = (await left()).length)
    await new Promise((resolve) => setTimeout(resolve, 5))
  await first.end('SIGKILL')
  await moves.runs('back', job)
  expect(await left()).toEqual([])
  expect(compareTrees(twin, back, { folderTimes: false, ...times }).differences).toEqual([])
}
