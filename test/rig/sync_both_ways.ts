import * as disk from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from '@jest/globals'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import { onDisk, writeNoise, mib, type Moves } from './moves.ts'

/**
 * A share and a place on a server, kept the same by `sync`, while people write on both: those of the server by a copy of a
 * share of their own.
 *
 * @param there an empty place on the server
 * @param times as the platform keeps them
 */
export async function syncsBothWays(moves: Moves, there: object, times: { toleranceNs?: bigint } = {}): Promise<void> {
  const [mine, theirs] = [moves.sideOf('mine'), moves.sideOf('theirs')]
  const write = (side: string, path: string, content: string): void => {
    disk.mkdirSync(dirname(join(side, path)), { recursive: true })
    disk.writeFileSync(join(side, path), content)
  }
  write(mine, 'here/ä+ %.txt', 'mine')
  write(mine, 'deleted here.txt', 'mine')
  write(theirs, 'there/deep/b c.txt', 'theirs')
  write(theirs, 'deleted there/d.txt', 'theirs')
  writeNoise(join(theirs, 'there/large.bin'), 17 * mib)
  const others = moves.jobOf('others', onDisk(theirs), there, { delete_propagation: 'mirror' })
  const sync = moves.jobOf('sync', onDisk(mine), there, { transfer_type: 'sync', delete_propagation: 'mirror' })
  let looks = 0
  const seen = async (): Promise<string> => {
    const name = `seen ${++looks}`
    await moves.runs('looking', moves.jobOf(name, there, onDisk(moves.sideOf(name))))
    return moves.sideOf(name)
  }
  const same = async (): Promise<void> => {
    expect(compareTrees(mine, await seen(), { folderTimes: false, ...times }).differences).toEqual([])
  }

  await moves.runs('others', others)
  await moves.runs('mine', sync)
  expect(disk.readFileSync(join(mine, 'there/deep/b c.txt'), 'utf8')).toBe('theirs')
  await same()

  write(mine, 'here/ä+ %.txt', 'edited here')
  write(theirs, 'there/deep/b c.txt', 'edited there')
  write(theirs, 'new there/n.txt', 'new')
  disk.rmSync(join(mine, 'deleted here.txt'))
  disk.rmSync(join(theirs, 'deleted there'), { recursive: true })
  await moves.runs('others', others)
  await moves.runs('mine', sync)
  expect(disk.readFileSync(join(mine, 'there/deep/b c.txt'), 'utf8')).toBe('edited there')
  expect(disk.readdirSync(mine).sort()).toEqual(['here', 'new there', 'there'])
  await same()

  const marks = (): string[] =>
    disk
      .readdirSync(mine, { recursive: true, encoding: 'utf8' })
      .map((path) => `${path} ${disk.lstatSync(join(mine, path), { bigint: true }).ctimeNs}`)
  const before = marks()
  await moves.runs('mine', sync)
  expect(marks()).toEqual(before)
  await same()
}
