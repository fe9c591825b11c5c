import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHome, type Home } from '../../src/home/home.ts'
import { acquire, holderOf, type Lock } from '../../src/home/lock.ts'
import { isRunning, markOf } from '../../src/home/process.ts'

let folder: string
let home: Home
let children: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-lock-'))
  home = openHome(folder)
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** A process that tries to take the lock when told, says how it went, and keeps it until it is ended. */
function contender(): { child: ChildProcess; said: Promise<string>; go(): void } {
  const script = `
    const { acquire } = await import(${JSON.stringify(import.meta.resolve('../../src/home/lock.ts'))})
    const { openHome } = await import(${JSON.stringify(import.meta.resolve('../../src/home/home.ts'))})
    process.stdin.once('data', async () => {
      const got = await acquire(openHome(${JSON.stringify(folder)}))
      if ('lock' in got) got.lock.serve({ temporal: '127.0.0.1:7233' }, process.pid)
      console.log('lock' in got ? 'held' : 'by ' + got.heldBy.pid)
      setInterval(() => {}, 1000)
    })
    console.log('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  let text = ''
  const said = new Promise<string>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const answer = /ready\n(.*)\n/.exec(text)?.[1]
      if (answer) resolve(answer)
    }),
  )
  return { child, said, go: () => void child.stdin.write('go\n') }
}

async function lockOf(taken: Home): Promise<Lock> {
  const got = await acquire(taken)
  if ('heldBy' in got) throw new Error(`held by ${got.heldBy.pid}`)
  return got.lock
}

test('a home has one holder, and a second comer learns who it is and where it serves', async () => {
  const lock = await lockOf(home)
  lock.serve({ temporal: '127.0.0.1:7233', api: 'http://127.0.0.1:9090' })
  expect(await acquire(home)).toMatchObject({
    heldBy: { pid: process.pid, addresses: { temporal: '127.0.0.1:7233', api: 'http://127.0.0.1:9090' } },
  })
  lock.release()
  expect(holderOf(home)).toBeUndefined()
  const again = await lockOf(home)
  again.release()
  again.release()
})

test('of processes that come at once exactly one holds the home, and the others name it', async () => {
  const all = Array.from({ length: 5 }, contender)
  for (const one of all) one.go()
  const said = await Promise.all(all.map((one) => one.said))
  const winner = all[said.indexOf('held')]
  expect(said.filter((answer) => answer === 'held')).toHaveLength(1)
  expect(said.filter((answer) => answer === `by ${winner?.child.pid}`)).toHaveLength(4)
})

test('the lock of a killed process is free at once', async () => {
  const { child, said, go } = contender()
  go()
  expect(await said).toBe('held')
  expect(await acquire(home)).toMatchObject({
    heldBy: { pid: child.pid, addresses: { temporal: '127.0.0.1:7233' }, server: { pid: child.pid } },
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = await lockOf(home)
  expect(holderOf(home)).toMatchObject({ pid: process.pid, addresses: {} })
  lock.release()
})

test('a process number that is used again is not taken for the former holder', () => {
  const mark = markOf(process.pid)
  expect(isRunning(mark)).toBe(true)
  if (mark.started !== undefined) {
    writeFileSync(
      home.holder,
      JSON.stringify({ pid: process.pid, started: 'an earlier boot/1', since: 1, addresses: {} }),
    )
    expect(holderOf(home)).toBeUndefined()
  }
  expect(isRunning({ pid: 2 ** 22 + 1 })).toBe(false)
})

test('a damaged note about the holder does not keep anybody out', async () => {
  writeFileSync(home.holder, '{"pid": ')
  const lock = await lockOf(home)
  expect(holderOf(home)?.pid).toBe(process.pid)
  lock.release()
})
