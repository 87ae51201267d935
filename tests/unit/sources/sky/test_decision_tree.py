"""The decision tree: its size, and the order of its questions."""

from workflow.lib.sources.sky.decision_tree import NEXT_QUESTION, QUESTIONS


def test_there_are_ten_questions_and_34_answers():
    assert len(QUESTIONS) == 10
    assert sum(map(len, QUESTIONS.values())) == 34
    assert set(NEXT_QUESTION) == set(QUESTIONS)
    assert all(tuple(NEXT_QUESTION[question]) == QUESTIONS[question] for question in QUESTIONS)


def test_each_question_comes_before_those_it_leads_to():
    order = list(NEXT_QUESTION)
    for question, following in NEXT_QUESTION.items():
        assert all(order.index(n) > order.index(question) for n in following.values() if n)
