from workflow.lib.code import modules


def test_a_module_comes_with_all_that_it_imports():
    assert modules("project") == {"draws", "project", "representation", "tables"}
    assert {"images", "sky.population", "sky.render", "sky.light"} <= modules("sky.survey")


def test_what_is_imported_inside_functions_or_for_types_alone_is_left_to_the_rule():
    assert not any(name.startswith("sky") for name in modules("sources"))
    assert "sources" not in modules("figures")
