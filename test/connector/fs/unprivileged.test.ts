import { spawnSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { aFolder } from './folder.ts'

const root = process.geteuid?.() === 0
if (!root) console.warn('1 test skipped: giving up root needs root')

const asRoot = root ? test : test.skip

asRoot('an ordinary account is told what it may not, and a folder it cannot read is never listed as empty', () => {
  const folder = aFolder()
  disk.chmodSync(folder, 0o755)
  const at = (name: string) => join(folder, name)
  disk.writeFileSync(at('locked'), 'x', { mode: 0o600 })
  disk.mkdirSync(at('closed'), 0o700)
  disk.mkdirSync(at('readable'), 0o755)
  disk.mkdirSync(at('names-only'))
  disk.writeFileSync(at('names-only/file'), 'x')
  disk.chmodSync(at('names-only'), 0o744)
  disk.mkdirSync(at('fixed'))
  disk.mkdirSync(at('own folder'))
  disk.chownSync(at('own folder'), 65_534, 65_534)
  disk.mkdirSync(at('theirs'))
  for (const name of ['fixed', 'theirs']) {
    disk.writeFileSync(at(`${name}/own`), 'x')
    disk.chownSync(at(`${name}/own`), 65_534, 65_534)
    disk.chmodSync(at(name), 0o555)
  }
  disk.chownSync(at('fixed'), 65_534, 65_534)
  disk.writeFileSync(at('own'), 'x')
  disk.chmodSync(at('own'), 0)
  disk.chownSync(at('own'), 65_534, 65_534)
  const script = new URL('./as_nobody.ts', import.meta.url).pathname
  const run = spawnSync(process.execPath, [script, folder, '65534'], { encoding: 'utf8' })
  expect({ ...run, stderr: run.status === 0 ? '' : run.stderr }).toMatchObject({ status: 0 })
  expect(JSON.parse(run.stdout)).toEqual({
    owners: 'read',
    noted: true,
    readLocked: 'AccessDenied',
    listClosed: 'AccessDenied',
    listNamesOnly: 'AccessDenied',
    writeClosed: 'AccessDenied',
    chown: 'Unsupported',
    times: 'done',
    intoFixed: ['done', 'done', 'done', 'done', 'done'],
    intoTheirs: 'AccessDenied',
    removeFromFixed: 'done',
    removeFromTheirs: 'AccessDenied',
    removeFromClosed: 'AccessDenied',
  })
  expect(disk.readdirSync(at('fixed')).sort()).toEqual(['moved', 'whole'])
  expect(disk.readdirSync(at('theirs'))).toEqual(['own'])
  for (const name of ['fixed', 'theirs']) expect((disk.statSync(at(name)).mode & 0o777).toString(8)).toBe('555')
})
