import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { acceptJob } from '../../src/intake/job.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { openHome } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'
import { createEngine } from '../../src/transfer/engine/create_engine.ts'
import { aJob } from './a_job.ts'
import { play } from './play.ts'

/** For tests that need a process of their own: plays an execution from `source` to `destination` in the folder named, and prints its outcome. */
const [folder = '', jobId, execution = '1', transfer = '{}'] = process.argv.slice(2)
const home = openHome(join(folder, 'home'))
const catalog = openCatalog(home.catalog, openKey(home.key))
const side = (name: string) => ({ auth: { root: join(folder, name) } })
mkdirSync(join(folder, 'destination'), { recursive: true })
const document = aJob(JSON.parse(transfer) as object as Record<string, unknown>, {
  source: side('source'),
  destination: side('destination'),
})
const id = jobId || (await acceptJob(document, catalog)).job.id
const engine = createEngine({ home, catalog, limits: { patience: 0.002 } })
const outcome = await play(engine, { jobId: id, execution: Number(execution) })
await engine.close()
await catalog.close()
process.stdout.write(JSON.stringify({ ...outcome, jobId: id }))
