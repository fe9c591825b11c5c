import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const script = new URL('../../scripts/demo/demo.ts', import.meta.url).pathname
let folder: string

interface Ended {
  code: number | null
  text: string
}

/** The demo in a folder of its own, ended with SIGKILL or by Ctrl-C when its output has a word in it. */
function demo(ended?: { when: RegExp; signal: NodeJS.Signals }): Promise<Ended> {
  return started(process.execPath, [script, '--close'], ended)
}

/** Of util-linux: runs a command on a terminal of its own. */
const terminal = process.platform === 'linux' && existsSync('/usr/bin/script') ? '/usr/bin/script' : undefined

/** The demo as on a terminal, where there is one to be had; without the carriage returns of line ends. */
async function demoOnTerminal(): Promise<Ended> {
  if (terminal === undefined) return demo()
  const { code, text } = await started(terminal, ['-qec', `'${process.execPath}' '${script}' --close`, '/dev/null'])
  return { code, text: text.replaceAll('\r\n', '\n') }
}

function started(command: string, args: string[], ended?: { when: RegExp; signal: NodeJS.Signals }): Promise<Ended> {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '', TERM: 'xterm', NO_COLOR: '1' }
  delete env.CI
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (ended?.when.test(text)) child.kill(ended.signal)
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })))
}

function filesBelow(path: string): number {
  if (!existsSync(path)) return 0
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).length
}

/** A server program that has to be built first takes minutes. */
const long = 600_000

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-demo-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  'the demo, killed and interrupted on its way, goes on each time, and a further run changes nothing',
  async () => {
    const making = await demo({ when: /Windows names only/, signal: 'SIGKILL' })
    expect(making.code).toBeNull()
    const killed = await demo({ when: /the first run/, signal: 'SIGKILL' })
    expect(killed.code).toBeNull()
    expect(killed.text).toMatch(/Made a source tree: 2,016 files in 91 folders/)
    const interrupted = await demo({ when: /goes on where it was|the first run/, signal: 'SIGINT' })
    expect(interrupted.text).toMatch(/goes on where this one was|What arrived/)

    const whole = await demoOnTerminal()
    expect(whole.code).toBe(0)
    expect(whole.text).toMatch(/^Temporal Web UI {2}http:\/\/127\.0\.0\.1:\d+$/m)
    if (terminal) expect(whole.text).toMatch(/[█░]{8,}/)
    expect(whole.text).toMatch(/found +2,107 /)
    expect(whole.text).toMatch(/too_large +1 /)
    expect(whole.text).toContain('Settings that were accepted and change nothing here')
    expect(whole.text).toContain("npx stevedore explain --home .demo/home 'Job: All Features'")
    expect(filesBelow(join(folder, '.demo/new-share/destinationPath'))).toBe(2_015)

    const again = await demo()
    expect(again.code).toBe(0)
    expect(again.text).toMatch(/^Run 2 of .* changed nothing/m)
    expect(again.text).toMatch(/0 carried out; 1 left out: larger than the destination takes/)
  },
  long,
)
