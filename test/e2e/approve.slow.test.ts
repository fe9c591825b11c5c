import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { copyJob } from '../../scripts/rig/jobs.ts'
import { runStevedore } from '../../scripts/rig/processes.ts'
import { eventually } from '../../scripts/rig/wait.ts'
import { anInstallation } from '../rig/an_installation.ts'

/** The command and the API as people use them: what would remove much waits for a yes to just that plan. */
const { folder, installation } = anInstallation('approve', (at) => {
  mkdirSync(join(at, 'new'))
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(at, 'old', name), { recursive: true })
    for (let n = 0; n < 60; n++) writeFileSync(join(at, 'old', name, `f${n}`), `content of ${n}`)
  }
})
const [source, destination] = [join(folder, 'old'), join(folder, 'new')]

const typed = (...args: string[]): ReturnType<typeof runStevedore> => runStevedore(args, installation)
const there = (): string[] => readdirSync(destination).sort()

/** Until a plan waits. @returns its hash */
async function waiting(): Promise<string> {
  const found = await eventually(60_000, 200, async () => {
    const { code, stdout } = await typed('job', 'approve', 'mirror', '--json')
    const { status } = await installation.rest.lastExecution(id).then((last) => last ?? { status: '' })
    if (code !== 0 || status !== 'running') return undefined
    return (JSON.parse(stdout) as { hash: string }).hash
  })
  if (found === undefined) throw new Error('nothing waits for an approval')
  return found
}

let id = ''

test('a mass delete is shown by folder with examples and its hash, outlives its worker, and goes on with a yes to just that plan', async () => {
  id = await installation.rest.createJob(
    copyJob({ name: 'mirror', source, destination }, { delete_propagation: 'mirror' }),
  )
  await installation.rest.start(id)
  expect(await installation.untilEnded(id, 1, 60_000)).toMatchObject({ status: 'completed' })
  expect((await typed('job', 'approve', 'mirror')).stderr).toContain('waits for an approval')

  for (const name of ['b', 'c']) rmSync(join(source, name), { recursive: true })
  await installation.rest.start(id)
  const hash = await waiting()
  expect(there()).toEqual(['a', 'b', 'c'])
  const shown = await typed('job', 'approve', 'mirror')
  expect(shown.stdout).toContain(`Plan ${hash}: 122 items to be removed, 2 folders among them`)
  expect(shown.stdout).toMatch(/^ *61 +\/b$/m)
  expect(shown.stdout).toMatch(/^ *61 +\/c$/m)
  expect(shown.stdout).toContain('  /b/f0')
  expect(shown.stdout).toContain(`--plan ${hash}`)

  await installation.kill('everything')
  await installation.up()
  expect(await waiting()).toBe(hash)
  expect((await typed('job', 'approve', 'mirror', '--plan', 'other')).code).not.toBe(0)
  expect(there()).toEqual(['a', 'b', 'c'])
  const yes = await eventually(30_000, 500, async () => {
    const said = await typed('job', 'approve', 'mirror', '--plan', hash)
    return said.code === 0 ? said : undefined
  })
  expect(yes?.stdout).toContain(`${hash} is approved`)
  expect(await installation.untilEnded(id, 2, 60_000)).toMatchObject({ status: 'completed' })
  expect(there()).toEqual(['a'])
}, 240_000)
