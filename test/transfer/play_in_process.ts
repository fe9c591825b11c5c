/** Plays one execution of a stored job in a process of its own, which a failpoint may end. Arguments: home, job id, execution. */
import { flushCompileCache } from 'node:module'
import { openCatalog } from '../../src/catalog/open.ts'
import { openHome } from '../../src/home/home.ts'
import { openKey } from '../../src/home/key.ts'
import { createEngine } from '../../src/transfer/engine/create_engine.ts'
import { play } from './play.ts'

// Whoever is killed keeps nothing by itself.
flushCompileCache()

const [folder = '', jobId = '', execution = '1'] = process.argv.slice(2)
const home = openHome(folder)
const catalog = openCatalog(home.catalog, openKey(home.key))
const engine = createEngine({ home, catalog })
console.log((await play(engine, { jobId, execution: Number(execution) })).sentence)
process.exit(0)
