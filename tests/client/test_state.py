from app.client.state import NEXT, WITH_FAILURE, Sign, State, state_word


def test_every_state_can_be_left_for_off_and_off_only_by_starting() -> None:
    names = {state: dict(signs) for state, signs in NEXT.items()}
    assert names.pop(State.OFF) == {Sign.STARTED: State.CONNECTING}
    assert all(signs[Sign.STOPPED] is State.OFF for signs in names.values())


def test_what_has_crashed_has_failed_and_can_be_started_again() -> None:
    running = [signs for state, signs in NEXT.items() if state is not State.OFF]
    assert all(signs[Sign.CRASHED] is State.FAILED for signs in running)
    assert NEXT[State.FAILED][Sign.STARTED] is State.CONNECTING


def test_every_state_is_reached_and_every_sign_means_something() -> None:
    assert {after for signs in NEXT.values() for after in signs.values()} == set(State)
    assert {sign for signs in NEXT.values() for sign in signs} == set(Sign)


def test_on_comes_from_a_proof_alone() -> None:
    leads = {sign for signs in NEXT.values() for sign, after in signs.items() if after is State.ON}
    assert leads == {Sign.PROVED}


def test_only_states_that_are_wrong_have_a_reason() -> None:
    assert set(State) - set(WITH_FAILURE) == {State.OFF, State.CONNECTING, State.ON}


def test_every_state_has_a_word_of_its_own() -> None:
    assert {state_word(state) for state in State} == {"off", "connecting", "on", "degraded", "failed"}
