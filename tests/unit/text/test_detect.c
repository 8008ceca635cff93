/* test_detect.c - the language of short sentences of eight languages: 25 each, written for this test and not taken from
 * the word lists. A share must be right; each wrong one is printed. */
#include "text/lang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { EACH = 25, RIGHT_LEAST = 22 };

static const struct {
    enum tb_lang lang;
    const char *texts[EACH];
} sets[] = {
    { TB_LANG_EN,
      { "Where did you put the keys?", "She never answers her phone.", "Breakfast is ready.",
        "Turn left at the next corner.", "I lost my umbrella.", "They moved to Boston last year.",
        "What a beautiful morning!", "Could you help me with this?", "The train leaves at nine.", "Nobody knows why.",
        "My brother plays the piano.", "Let us start again.", "It was raining all night.",
        "Keep your eyes on the road.", "He works at a hospital.", "We ran out of milk.", "Close the window, please.",
        "That sounds great.", "How much does it cost?", "You should try this restaurant.", "Our flight was delayed.",
        "Be careful with that knife.", "I will call you tomorrow.", "Nothing happened.",
        "The children are playing outside." } },
    { TB_LANG_FR,
      { "Où as-tu mis les clés ?", "Elle ne répond jamais.", "Le petit déjeuner est prêt.",
        "Tournez à gauche au prochain feu.", "J'ai perdu mon parapluie.", "Ils ont déménagé à Lyon.",
        "Quelle belle matinée !", "Pourriez-vous m'aider ?", "Le train part à neuf heures.",
        "Personne ne sait pourquoi.", "Mon frère joue du piano.", "Recommençons.", "Il a plu toute la nuit.",
        "Gardez les yeux sur la route.", "Il travaille dans un hôpital.", "Nous n'avons plus de lait.",
        "Fermez la fenêtre, s'il vous plaît.", "Combien ça coûte ?", "Tu devrais essayer ce restaurant.",
        "Notre vol a du retard.", "Attention au couteau.", "Je t'appellerai demain.", "Rien ne s'est passé.",
        "Les enfants jouent dehors.", "À bientôt !" } },
    { TB_LANG_IT,
      { "Dove hai messo le chiavi?", "Non risponde mai.", "La colazione è pronta.",
        "Gira a sinistra al prossimo semaforo.", "Ho perso l'ombrello.", "Si sono trasferiti a Torino.",
        "Che bella mattina!", "Potrebbe aiutarmi?", "Il treno parte alle nove.", "Nessuno sa perché.",
        "Mio fratello suona il pianoforte.", "Ricominciamo.", "Ha piovuto tutta la notte.",
        "Tieni gli occhi sulla strada.", "Lavora in un ospedale.", "Abbiamo finito il latte.",
        "Chiudi la finestra, per favore.", "Quanto costa?", "Dovresti provare questo ristorante.",
        "Il nostro volo è in ritardo.", "Attento al coltello.", "Ti chiamerò domani.", "Non è successo niente.",
        "I bambini giocano fuori.", "Arrivederci!" } },
    { TB_LANG_PT,
      { "Onde você colocou as chaves?", "Ela nunca responde.", "O café da manhã está pronto.",
        "Vire à esquerda na próxima esquina.", "Perdi o meu guarda-chuva.", "Eles se mudaram para Recife.",
        "Que manhã linda!", "Você poderia me ajudar?", "O trem sai às nove.", "Ninguém sabe por quê.",
        "Meu irmão toca piano.", "Vamos começar de novo.", "Choveu a noite toda.", "Fique de olho na estrada.",
        "Ele trabalha em um hospital.", "Acabou o leite.", "Feche a janela, por favor.", "Quanto custa?",
        "Você deveria conhecer este restaurante.", "Nosso voo está atrasado.", "Cuidado com a faca.",
        "Ligo para você amanhã.", "Não aconteceu nada.", "As crianças brincam lá fora.", "Até logo!" } },
    { TB_LANG_ES,
      { "¿Dónde has puesto las llaves?", "Ella nunca contesta.", "El desayuno está listo.",
        "Gire a la izquierda en la esquina.", "Perdí mi paraguas.", "Se mudaron a Sevilla.", "¡Qué mañana tan bonita!",
        "¿Me podría ayudar?", "El tren sale a las nueve.", "Nadie sabe por qué.", "Mi hermano toca el piano.",
        "Empecemos otra vez.", "Llovió toda la noche.", "Mantén los ojos en la carretera.", "Trabaja en un hospital.",
        "Se acabó la leche.", "Cierra la ventana, por favor.", "¿Cuánto cuesta?", "Deberías probar este restaurante.",
        "Nuestro vuelo lleva retraso.", "Cuidado con el cuchillo.", "Te llamaré mañana.", "No pasó nada.",
        "Los niños juegan fuera.", "¡Hasta luego!" } },
    { TB_LANG_DE,
      { "Wo hast du die Schlüssel hingelegt?", "Sie antwortet nie.", "Das Frühstück ist fertig.",
        "Biegen Sie an der Ecke links ab.", "Ich habe meinen Schirm verloren.", "Sie sind nach Bremen gezogen.",
        "Was für ein schöner Morgen!", "Könnten Sie mir helfen?", "Der Zug fährt um neun.", "Niemand weiß, warum.",
        "Mein Bruder spielt Klavier.", "Fangen wir noch einmal an.", "Es hat die ganze Nacht geregnet.",
        "Behalte die Straße im Auge.", "Er arbeitet im Krankenhaus.", "Die Milch ist alle.",
        "Bitte schließ das Fenster.", "Wie viel kostet das?", "Probier dieses Restaurant.",
        "Unser Flug hat Verspätung.", "Vorsicht mit dem Messer.", "Ich rufe dich morgen an.", "Nichts ist passiert.",
        "Die Kinder spielen draußen.", "Auf Wiedersehen!" } },
    { TB_LANG_RU,
      { "Куда ты положил ключи?", "Она никогда не отвечает.", "Завтрак готов.", "Поверните налево.", "Я потерял зонт.",
        "Они переехали в Казань.", "Какое прекрасное утро!", "Вы не могли бы помочь?", "Поезд отходит в девять.",
        "Никто не знает почему.", "Мой брат играет на пианино.", "Начнём сначала.", "Всю ночь шёл дождь.",
        "Следи за дорогой.", "Он работает в больнице.", "Молоко кончилось.", "Закрой окно, пожалуйста.",
        "Сколько это стоит?", "Попробуй Google Maps и YouTube.", "Наш рейс задерживается.", "Осторожно с ножом.",
        "Я позвоню завтра.", "Ничего не случилось.", "Дети играют во дворе.", "До свидания!" } },
    { TB_LANG_KO,
      { "열쇠를 어디에 두었어요?", "그녀는 대답하지 않아요.", "아침이 준비됐어요.", "다음 모퉁이에서 왼쪽으로 가세요.", "우산을 잃어버렸어요.",
        "그들은 부산으로 이사했어요.", "정말 아름다운 아침이네요!", "도와주시겠어요?", "기차는 아홉 시에 떠나요.", "아무도 이유를 몰라요.",
        "형은 피아노를 쳐요.", "다시 시작합시다.", "밤새 비가 왔어요.", "길을 잘 보세요.", "그는 병원에서 일해요.", "우유가 떨어졌어요.",
        "창문을 닫아 주세요.", "얼마예요?", "YouTube에서 봤어요.", "비행기가 늦어요.", "칼을 조심하세요.", "내일 전화할게요.",
        "아무 일도 없었어요.", "아이들이 밖에서 놀아요.", "안녕히 가세요!" } },
};

static void most_short_sentences_are_told_apart(void **state)
{
    bool enough = true;

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        int right = 0;

        for (int j = 0; j < EACH; j++) {
            enum tb_lang found = tb_lang_detect(tb_str_of(sets[i].texts[j]), TB_LANG_AUTO);

            if (found != sets[i].lang)
                printf("%s taken for %s: %s\n", tb_lang_code(sets[i].lang), tb_lang_code(found), sets[i].texts[j]);
            right += found == sets[i].lang;
        }
        enough &= right >= RIGHT_LEAST;
    }
    assert_true(enough);
}

/* Marks written behind their letter, joiners and soft hyphens inside words. */
static void what_nobody_sees_changes_no_language(void **state)
{
    static const char *const same[][2] = {
        { "Hi there.", "H\u200Di th\u2060er\uFEFFe." },
        { "Le téléphone sonne.", "Le te\u0301le\u0301phone sonne." },
        { "Das Mädchen spielt.", "Das Ma\u0308d\u00ADchen spi\u200Belt." },
        { "Мой брат играет.", "Мои\u0306 бр\u00ADат иг\u200Bра\u0301ет." },
        { "", "\u200D\u202E\u00AD" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_int_equal(tb_lang_detect(tb_str_of(same[i][1]), TB_LANG_AUTO),
                         tb_lang_detect(tb_str_of(same[i][0]), TB_LANG_AUTO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_short_sentences_are_told_apart),
        cmocka_unit_test(what_nobody_sees_changes_no_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
