import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readConfig } from '../src/config.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'stevedore-package-'))
const stevedore = join(folder, 'installed', 'bin', 'stevedore')
let files: string[]

beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
  // The build's own output comes first; npm's format of late is an object by package.
  const packed = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as Record<string, Packed>
  const [pack] = Object.values(packed) as [Packed]
  files = pack.files.map(({ path }) => path)
  const options = ['--global', '--prefix', join(folder, 'installed'), '--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', ['install', ...options, join(folder, pack.filename)], { cwd: folder })
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Packed {
  filename: string
  files: { path: string }[]
}

test('the package holds what runs, and no source, test or tool', () => {
  const others = files.filter((path) => !/^dist\/(src|workflows|activities)\/.*\.js$/.test(path))
  expect(others.sort()).toEqual([
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'dist/package.json', 'dist/workflow-bundle.js', 'package.json'],
    ...['src/cli/launch.js', 'src/cli/stevedore.js'],
  ])
})

test('nothing in it names a folder of the machine that built it', () => {
  const bundle = readFileSync(join(root, 'dist', 'workflow-bundle.js'), 'utf8')
  const [, map] = /base64,([\w+/=]+)\s*$/.exec(bundle)!
  expect(bundle.includes(root)).toBe(false)
  expect(Buffer.from(map!, 'base64').toString('utf8').includes(root)).toBe(false)
})

test('installed, it runs a job, with no bundler and no folder of its own to write to', async () => {
  const [source, destination] = [join(folder, 'source'), join(folder, 'destination')]
  for (const side of [source, destination]) mkdirSync(side)
  writeFileSync(join(source, 'letter.txt'), 'Dear reader')
  const at = (root: string): unknown => ({ connection: { platform: { id: 'fs' }, auth: { root } } })
  const transfer = { transfer_type: 'copy', source: at(source), destination: at(destination) }
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ name: 'Packed', kind: 'transfer', transfer }))
  const workflows = join(folder, 'cache', 'workflows')
  const env = { ...process.env, STEVEDORE_HOME: join(folder, 'home'), STEVEDORE_CACHE: join(folder, 'cache') }
  mkdirSync(join(folder, 'cache'))
  const { stdout, stderr } = await run(stevedore, ['run', 'job.json'], {
    cwd: folder,
    env: { ...env, PATH: `${join(readConfig().cache, 'bin')}:${process.env.PATH}` },
  })
  expect(stdout).toMatch(/success +1 /)
  expect(stderr).not.toContain('Warning')
  expect(readFileSync(join(destination, 'letter.txt'), 'utf8')).toBe('Dear reader')
  expect(existsSync(workflows)).toBe(false)
}, 120_000)
