import * as disk from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from '@jest/globals'
import { onDisk, type Moves } from './moves.ts'

/**
 * Content that leaves a place on a server by `copy` with `delete_propagation: mirror`, by `publish`, and by `move`; each of
 * them is killed once between a removal and its record.
 *
 * @param placeOf an empty place on the server
 * @param root where the server itself keeps its places: the second witness
 */
export async function removes(moves: Moves, placeOf: (path: string) => object, root: string): Promise<void> {
  let looks = 0
  const filesAt = async (path: string): Promise<string[]> => {
    const name = `look ${++looks} at ${path}`
    await moves.runs('looking', moves.jobOf(name, placeOf(path), onDisk(moves.sideOf(name))))
    const seen = filesIn(moves.sideOf(name))
    // What Apache remembers of properties lies beside the files.
    const kept = filesIn(join(root, path)).filter((file) => !file.includes('.DAV/'))
    expect(kept).toEqual(seen)
    return seen
  }
  /** Dies, and goes on. */
  const runsKilled = async (job: string): Promise<void> => {
    const dying = moves.start('removing', job, { STEVEDORE_FAILPOINT: 'remove:after#2' })
    expect((await dying.ended).code).not.toBe(0)
    await moves.runs('removing', job)
  }

  const old = moves.sideOf('mirrored')
  for (const path of ['stays.txt', 'gone ä+%.txt', 'gone/a', 'gone/deep/b', 'half/gone', 'half/stays']) write(old, path)
  const mirror = moves.jobOf('mirror', onDisk(old), placeOf('mirrored'), { delete_propagation: 'mirror' })
  await moves.runs('removing', mirror)
  write(moves.sideOf('others'), 'half/theirs')
  await moves.runs('removing', moves.jobOf('others beside', onDisk(moves.sideOf('others')), placeOf('mirrored')))
  for (const path of ['gone ä+%.txt', 'gone', 'half/gone']) disk.rmSync(join(old, path), { recursive: true })
  await runsKilled(mirror)
  expect(await filesAt('mirrored')).toEqual(['half/stays', 'half/theirs', 'stays.txt'])

  const published = moves.sideOf('published')
  for (const path of ['stays.txt', 'gone/a', 'gone/b']) write(published, path)
  const publish = moves.jobOf('publish', onDisk(published), placeOf('published'), { transfer_type: 'publish' })
  await moves.runs('removing', publish)
  await moves.runs('removing', moves.jobOf('others', onDisk(moves.sideOf('others')), placeOf('published')))
  disk.rmSync(join(published, 'gone'), { recursive: true })
  await runsKilled(publish)
  expect(await filesAt('published')).toEqual(['stays.txt'])

  const leaving = moves.sideOf('leaving')
  const paths = ['a ä+%.txt', 'd/b', 'd/deep/c']
  for (const path of paths) write(leaving, path)
  await moves.runs('removing', moves.jobOf('arriving', onDisk(leaving), placeOf('moved')))
  await runsKilled(moves.jobOf('move', placeOf('moved'), onDisk(moves.sideOf('arrived')), { transfer_type: 'move' }))
  expect(await filesAt('moved')).toEqual([])
  expect(filesIn(moves.sideOf('arrived'))).toEqual(paths)
  for (const path of paths) expect(disk.readFileSync(join(moves.sideOf('arrived'), path), 'utf8')).toBe(`of ${path}`)
}

function write(side: string, path: string): void {
  disk.mkdirSync(dirname(join(side, path)), { recursive: true })
  disk.writeFileSync(join(side, path), `of ${path}`)
}

/** Paths of files below a folder, sorted; none where there is no folder. */
function filesIn(folder: string): string[] {
  if (!disk.existsSync(folder)) return []
  return disk
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
