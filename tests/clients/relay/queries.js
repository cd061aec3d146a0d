import { graphql } from 'relay-runtime';

export const Ruptures = graphql`
  query queriesRupturesQuery($first: Int!, $after: String) {
    ruptures(first: $first, after: $after) @connection(key: "Liste_ruptures") {
      totalCount
      complet
      edges { node { id date jeune { id nom } } }
    }
  }
`;

export const Refuse = graphql`
  query queriesRefuseQuery {
    jeunes(first: 3) { edges { node { id nom ine @catch(to: RESULT) } } }
  }
`;

export const Exige = graphql`
  query queriesExigeQuery @throwOnFieldError {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`;

export const Muette = graphql`
  query queriesMuetteQuery {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`;
