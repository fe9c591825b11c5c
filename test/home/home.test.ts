import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigError, readConfig, variables } from '../../src/config.ts'
import { HomeUnusable, ledgerFile, openHome } from '../../src/home/home.ts'
import { roomAt } from '../../src/home/room.ts'

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'stevedore-home-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const root = process.geteuid?.() === 0

test('a home that may not be written is named, before anything is made in it', () => {
  const home = join(folder, 'home')
  mkdirSync(home, { mode: 0o500 })
  if (root) {
    const script = new URL('./open_as_nobody.ts', import.meta.url).pathname
    chmodSync(folder, 0o755)
    chownSync(home, 65_534, 65_534)
    const { stdout, stderr } = spawnSync(process.execPath, [script, home], { encoding: 'utf8' })
    expect(stderr + stdout).toContain(`home ${home} may not be read and written by you`)
  } else expect(() => openHome(home)).toThrow(`home ${home} may not be read and written by you`)
  expect(readdirSync(home)).toEqual([])
})

test('a home is made private, with its folders, and opened again as it is', () => {
  const home = openHome(join(folder, 'deep/home'))
  expect(statSync(home.path).mode & 0o777).toBe(0o700)
  expect(statSync(home.logs).isDirectory()).toBe(true)
  expect(home.catalog).toBe(join(folder, 'deep/home/catalog.db'))
  expect(openHome(join(folder, 'deep/home'))).toEqual(home)
})

test('a home that others could read is closed to them', () => {
  mkdirSync(join(folder, 'open'))
  chmodSync(join(folder, 'open'), 0o755)
  expect(statSync(openHome(join(folder, 'open')).path).mode & 0o777).toBe(0o700)
})

test('two ways to one home are one home', () => {
  const home = openHome(join(folder, 'home'))
  symlinkSync(home.path, join(folder, 'link'))
  expect(openHome(join(folder, 'link'))).toEqual(home)
})

test('a file is no home, and stays what it was', () => {
  writeFileSync(join(folder, 'file'), 'mine')
  expect(() => openHome(join(folder, 'file'))).toThrow(HomeUnusable)
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('mine')
})

test('a ledger is named by a job id and by nothing that leads elsewhere', () => {
  const home = openHome(folder)
  expect(ledgerFile(home, 'ab'.repeat(16))).toBe(join(folder, 'ledger', `${'ab'.repeat(16)}.db`))
  expect(ledgerFile(home, 'ab'.repeat(16), 'simulated')).not.toBe(ledgerFile(home, 'ab'.repeat(16)))
  expect(() => ledgerFile(home, '../catalog')).toThrow(TypeError)
})

test('a home with less than the needed room says so', () => {
  expect(roomAt(folder, 0n)).toMatchObject({ low: false })
  const room = roomAt(folder, 1n << 80n)
  expect(room.low).toBe(true)
  expect(room.sentence).toContain('MiB left, at least')
})

test('the environment decides the home, and nonsense in it is refused all at once', () => {
  expect(readConfig({}).home).toBe(join(process.cwd(), '.stevedore'))
  const config = readConfig({
    STEVEDORE_HOME: folder,
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    STEVEDORE_API_PORT: '0',
    STEVEDORE_LOG_LEVEL: 'DEBUG',
  })
  expect(config).toMatchObject({
    home: folder,
    temporal: { address: 'temporal.example:7233', namespace: 'stevedore', taskQueue: 'stevedore' },
    api: { host: '127.0.0.1', port: 0 },
    log: { level: 'debug' },
  })

  const nonsense = {
    TEMPORAL_ADDRESS: 'https://temporal.example',
    TEMPORAL_NAMESPACE: 'a b',
    STEVEDORE_TASK_QUEUE: 'two words',
    STEVEDORE_API_HOST: 'here there',
    STEVEDORE_API_PORT: '70000',
    STEVEDORE_LOG_LEVEL: 'loud',
    STEVEDORE_DATABASE_URL: 'postgres://db',
  }
  let problems: readonly string[] = []
  try {
    readConfig(nonsense)
  } catch (error) {
    problems = (error as ConfigError).problems
  }
  for (const name of Object.keys(nonsense)) expect(problems).toContainEqual(expect.stringContaining(name))
})

test('every variable that is read is documented', () => {
  const read = new Set<string>()
  readConfig(new Proxy<Record<string, string>>({}, { get: (_, name) => (read.add(String(name)), undefined) }))
  const documented = variables.map((variable) => variable.name)
  expect([...read].filter((name) => !['XDG_CACHE_HOME', 'STEVEDORE_DATABASE_URL'].includes(name)).sort()).toEqual(
    documented.sort(),
  )
})

test('nothing is written where a home was only asked about', () => {
  readConfig({ STEVEDORE_HOME: join(folder, 'not-yet') })
  expect(existsSync(join(folder, 'not-yet'))).toBe(false)
})

test('a home where no folder can be made is refused at once', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  for (const home of ['/proc/nohome/x', join(file, 'home')]) expect(() => openHome(home)).toThrow('cannot be made')
})
