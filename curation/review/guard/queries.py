"""Which GraphQL a review needs: fields of Query and Mutation by name, on one dataset.

The query is read as GraphQL reads it, with its fragments and variables, so that no alias, fragment or literal hides a
field or an argument. The App's page asks for the list of all datasets: the guard narrows its search to the one that is
reviewed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from curation.review.guard.bodies import BodyError, check

QUERIES = """
    __typename aggregate aggregations colorscale config context dataset datasets dev doNotTrack estimatedDatasetCount
    lightning sample samples savedViews schemaForViewStages stageDefinitions uid version
"""
MUTATIONS = """
    createSavedView deleteSavedView searchSelectFields setColorScheme setDataset setFieldVisibilityStage setGroupSlice
    setLabelSelectionStyle setSample setSampleSelectionStyle setSelected setSelectedLabels setSelectedSamples
    setSidebarGroups setSpaces setView updateSavedView
"""
ALLOWED = frozenset((QUERIES + MUTATIONS).split())
NAMED = frozenset({"dataset", "setDataset"})  # fields whose argument `name` is a dataset
LIST = "datasets"


def narrowed(body: Mapping[str, Any], dataset: str, dataset_id: str) -> dict[str, Any]:
    """Return a GraphQL request whose search for datasets finds this one alone.

    BodyError where it asks for more than a review of this dataset needs.
    """
    from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse

    variables = body.get("variables") or {}
    if not isinstance(variables, Mapping) or not isinstance(body.get("query"), str):
        raise BodyError("no GraphQL query")
    try:
        document = parse(body["query"], max_tokens=20_000)
    except (GraphQLError, RecursionError) as error:
        raise BodyError(f"no GraphQL: {error}") from None
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1 or len(fragments) + 1 != len(document.definitions):
        raise BodyError("a GraphQL document that is not one operation and its fragments")
    operation = operations[0]
    if operation.operation.value == "subscription":
        raise BodyError("a subscription")
    values = {**_defaults(operation), **variables}
    searches = set()
    for field in _top(operation.selection_set, fragments, frozenset()):
        _check_top(field, _arguments(field, values), dataset)
        if field.name.value == LIST:
            searches.add(_search_variable(field))
    for field in _all(document):
        check(_arguments(field, values), dataset, dataset_id)
    this_one = f"^{re.escape(dataset)}$"
    return {**body, "variables": {**variables, **dict.fromkeys(searches, this_one)}}


def _check_top(field: Any, arguments: Mapping[str, Any], dataset: str) -> None:
    name = field.name.value
    if name not in ALLOWED:
        raise BodyError(f"the GraphQL field {name}")
    if name in NAMED and arguments.get("name") not in (None, "", dataset):
        raise BodyError("another dataset")


def _search_variable(field: Any) -> str:
    """Return the variable that a list of datasets searches by; BodyError where it does not search by one."""
    for one in field.arguments:
        if one.name.value == "search" and one.value.kind == "variable":
            return str(one.value.name.value)
    raise BodyError("all datasets")


def _top(selections: Any, fragments: Mapping[str, Any], seen: frozenset[str]) -> Iterator[Any]:
    """Yield the fields of an operation, also those inside its fragments."""
    for one in selections.selections:
        if one.kind == "field":
            yield one
        elif one.kind == "inline_fragment":
            yield from _top(one.selection_set, fragments, seen)
        else:
            name = one.name.value
            if name not in fragments or name in seen:
                raise BodyError(f"the fragment {name}")
            yield from _top(fragments[name].selection_set, fragments, seen | {name})


def _all(document: Any) -> Iterator[Any]:
    """Yield every field at every level of a document."""
    from graphql import FieldNode, Visitor, visit

    found: list[FieldNode] = []

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            found.append(node)

    visit(document, Collect())
    return iter(found)


def _arguments(field: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a field as plain values; a variable without a value is None."""
    from graphql import value_from_ast_untyped

    return {one.name.value: value_from_ast_untyped(one.value, dict(variables)) for one in field.arguments}


def _defaults(operation: Any) -> dict[str, Any]:
    """Return the default values that stand in the query itself."""
    from graphql import value_from_ast_untyped

    given = (one for one in operation.variable_definitions if one.default_value)
    return {one.variable.name.value: value_from_ast_untyped(one.default_value) for one in given}
