import { spawnSync } from 'node:child_process'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { aSession } from './folder.ts'

const root = disk.mkdtempSync(join(tmpdir(), 'stevedore-immutable-'))
const can = spawnSync('chattr', ['+i', root]).status === 0
afterAll(() => {
  spawnSync('chattr', ['-R', '-i', '-a', root])
  disk.rmSync(root, { recursive: true, force: true })
})
if (can) spawnSync('chattr', ['-i', root])
else console.warn('1 test skipped: this file system, or account, sets no attributes')

const where = can ? test : test.skip

where('what an attribute forbids is said with the attribute, of the item or of the folder it is in', async () => {
  disk.mkdirSync(join(root, 'b'))
  disk.writeFileSync(join(root, 'file'), 'x')
  for (const [flag, name] of [
    ['+i', 'b'],
    ['+a', 'file'],
  ] as const)
    spawnSync('chattr', [flag, join(root, name)])
  const session = await aSession(root)
  const said = async (attempt: () => unknown) => {
    try {
      await attempt()
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing'
  }
  expect(await said(() => session.makeContainer('b', 'x', 'k'))).toBe(
    'operation not permitted (EPERM): the folder "/b" is immutable (chattr -i takes that away)',
  )
  expect(await said(() => session.setAttributes('file', { modifiedNs: 0n }))).toBe(
    'operation not permitted (EPERM): it is append-only (chattr -a takes that away)',
  )
})
