"""The OpenAPI document and its page."""

import json

from django.test import Client

from apps.common.openapi import document


def test_document_names_every_operation_once(db: None, client: Client) -> None:
    answer = client.get("/api/v1/openapi")
    assert answer.status_code == 200
    made = json.loads(answer.content)
    assert made["openapi"].startswith("3.")
    operations = [operation["operationId"] for methods in made["paths"].values() for operation in methods.values()]
    assert len(operations) > 40
    assert len(operations) == len(set(operations))
    assert "/api/v1/{tenant}/roles/{role_id}" in made["paths"]
    assert "/api/v1/roles/{role_id}" not in made["paths"], "the default tenant's form is the same"
    assert "/api/v1/tenants/{tenant}/roles/{role_id}" not in made["paths"], "nor a super admin's"
    assert "/api/v1/tenants/search" in made["paths"]


def test_answers_are_described_by_the_functions_annotations(db: None) -> None:
    paths, shapes = document()["paths"], document()["components"]["schemas"]
    page = paths["/api/v1/{tenant}/roles/search"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert page["properties"]["results"]["items"] == {"$ref": "#/components/schemas/RoleShape"}
    assert "isManaged" in shapes["RoleShape"]["properties"]
    removed = paths["/api/v1/{tenant}/roles/{role_id}"]["delete"]
    assert list(removed["responses"]) == ["204"]
    assert "Needs ROLE DELETE." in removed["description"]


def test_every_reference_leads_somewhere(db: None) -> None:
    text = json.dumps(document())
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document()["components"]["schemas"]


def test_page_for_people_asks_nothing_of_other_hosts(db: None, client: Client) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "/api/v1/{tenant}/roles/search" in text
    assert "<script" not in text
    assert "http://" not in text
    assert "https://" not in text
