// The two REST services as one graph: Mesh's OpenAPI handler, and its batched joins by id. REST is their URL.
import { defineConfig } from '@graphql-mesh/compose-cli'
import { loadOpenAPISubgraph } from '@omnigraph/openapi'

const service = (nom) => ({
  sourceHandler: loadOpenAPISubgraph(nom, {
    source: `${process.env.REST}/${nom}/openapi.json`,
    endpoint: `${process.env.REST}/${nom}`,
  }),
})
const joint = (source, champ) =>
  `@resolveTo(sourceName: "${source}", sourceTypeName: "Query", sourceFieldName: "${champ}",
    requiredSelectionSet: "{ jeuneId }", keyField: "jeuneId", keysArg: "ids")`

export const composeConfig = defineConfig({
  subgraphs: [service('contrats'), service('suivis')],
  additionalTypeDefs: `extend type Rupture {
    jeune: Jeune ${joint('contrats', 'jeunes')}
    suivi: Suivi ${joint('suivis', 'suivis')}
  }`,
})
